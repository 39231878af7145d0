UPDATE webhooks SET active=$1::BOOLEAN, deactivated_by=$2::VARCHAR, deactivate_reason=$3::VARCHAR, updated_at=$4::BIGINT WHERE webhooks.id = $5::VARCHAR COLLATE "C" AND webhooks.active;
