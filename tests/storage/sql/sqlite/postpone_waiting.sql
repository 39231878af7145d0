WITH due AS
(SELECT redelivery_shares.redelivery_id AS redelivery_id, redelivery_shares.webhook_id AS webhook_id
FROM redelivery_shares
WHERE redelivery_shares.next_step_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 ORDER BY redelivery_shares.next_step_at
 LIMIT ? OFFSET ?)
 UPDATE redelivery_shares SET next_step_at=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) WHERE (redelivery_shares.redelivery_id, redelivery_shares.webhook_id) IN (SELECT due.redelivery_id, due.webhook_id
FROM due) AND (SELECT count(*) AS count_1
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = redelivery_shares.webhook_id
 LIMIT ? OFFSET ?) AS some) > ?;
