UPDATE upload_places SET run_key=? WHERE upload_places.id = ? AND (upload_places.run_key IS NULL OR upload_places.run_key = ?);
