UPDATE redeliveries SET state=$1::VARCHAR, ended_at=$2::BIGINT WHERE redeliveries.id = $3::VARCHAR COLLATE "C";

UPDATE redelivery_shares SET next_step_at=$1::BIGINT WHERE redelivery_shares.redelivery_id = $2::VARCHAR COLLATE "C";
