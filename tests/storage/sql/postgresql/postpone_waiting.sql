WITH due AS
(SELECT redelivery_shares.redelivery_id AS redelivery_id, redelivery_shares.webhook_id AS webhook_id
FROM redelivery_shares
WHERE redelivery_shares.next_step_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) ORDER BY redelivery_shares.next_step_at
 LIMIT $2::INTEGER FOR UPDATE SKIP LOCKED)
 UPDATE redelivery_shares SET next_step_at=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT) WHERE (redelivery_shares.redelivery_id, redelivery_shares.webhook_id) IN (SELECT due.redelivery_id, due.webhook_id
FROM due) AND (SELECT count(*) AS count_1
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = redelivery_shares.webhook_id
 LIMIT $3::INTEGER) AS "some") > $4::INTEGER;
