UPDATE webhooks SET http_status_code=$1::INTEGER, dispatched_at=$2::BIGINT WHERE webhooks.id = $3::VARCHAR COLLATE "C";
