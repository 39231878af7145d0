WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.id = ANY (array((SELECT id
FROM jsonb_object_keys($5::JSONB) AS id))) AND deliveries.claim_number = CAST(($5::JSONB ->> deliveries.id) AS INTEGER) AND (deliveries.state || '') = 'sending' ORDER BY deliveries.id FOR NO KEY UPDATE)
 UPDATE deliveries SET state=CASE WHEN deliveries.is_test THEN $1 ELSE $2 END, next_attempt_at=deliveries.next_attempt_at, claimed_by=$3::VARCHAR, claimed_until=$4::BIGINT WHERE deliveries.id IN (SELECT locked.id
FROM locked);
