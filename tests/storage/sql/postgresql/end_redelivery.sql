UPDATE redeliveries SET state=$1::VARCHAR, ended_at=$2::BIGINT WHERE redeliveries.id = $3::VARCHAR COLLATE "C";

WITH locked AS
(SELECT redelivery_shares.redelivery_id AS redelivery_id, redelivery_shares.webhook_id AS webhook_id
FROM redelivery_shares
WHERE redelivery_shares.redelivery_id = $2::VARCHAR COLLATE "C" ORDER BY redelivery_shares.redelivery_id, redelivery_shares.webhook_id FOR NO KEY UPDATE OF redelivery_shares)
 UPDATE redelivery_shares SET next_step_at=$1::BIGINT WHERE (redelivery_shares.redelivery_id, redelivery_shares.webhook_id) IN (SELECT locked.redelivery_id, locked.webhook_id
FROM locked);
