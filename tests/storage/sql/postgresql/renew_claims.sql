WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE (deliveries.id, deliveries.claim_number) IN (SELECT claims.delivery_id, claims.number
FROM unnest($2::TEXT[], $3::INTEGER[]) AS claims(delivery_id, number)) AND (deliveries.state || '') = 'sending' ORDER BY deliveries.id FOR NO KEY UPDATE OF deliveries)
 UPDATE deliveries SET claimed_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT) WHERE deliveries.id IN (SELECT locked.id
FROM locked) RETURNING deliveries.id, deliveries.claim_number;
