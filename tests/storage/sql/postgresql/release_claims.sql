WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE (deliveries.id, deliveries.claim_number) IN (SELECT claims.delivery_id, claims.number
FROM unnest($3::TEXT[], $4::INTEGER[]) AS claims(delivery_id, number)) AND (deliveries.state || '') = 'sending' ORDER BY deliveries.id FOR NO KEY UPDATE OF deliveries)
 UPDATE deliveries SET state=CASE WHEN deliveries.is_test THEN $1 ELSE $2 END, next_attempt_at=deliveries.next_attempt_at, claimed_by=NULL, claimed_until=NULL WHERE deliveries.id IN (SELECT locked.id
FROM locked);
