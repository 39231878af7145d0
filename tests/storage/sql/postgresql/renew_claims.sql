WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.id = ANY (array((SELECT id
FROM jsonb_object_keys($2::JSONB) AS id))) AND deliveries.claim_number = CAST(($2::JSONB ->> deliveries.id) AS INTEGER) AND (deliveries.state || '') = 'sending' ORDER BY deliveries.id FOR NO KEY UPDATE)
 UPDATE deliveries SET claimed_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT) WHERE deliveries.id IN (SELECT locked.id
FROM locked) RETURNING deliveries.id, deliveries.claim_number;
