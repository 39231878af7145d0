UPDATE webhooks SET active=$1::BOOLEAN, deactivate_reason=$2::VARCHAR, updated_at=$3::BIGINT WHERE webhooks.id = $4::VARCHAR COLLATE "C" AND webhooks.active;
