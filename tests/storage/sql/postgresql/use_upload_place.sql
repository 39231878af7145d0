UPDATE upload_places SET run_key=$1::VARCHAR WHERE upload_places.id = $2::BIGINT AND (upload_places.run_key IS NULL OR upload_places.run_key = $3::VARCHAR);
