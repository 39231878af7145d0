UPDATE deliveries SET claimed_until=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) WHERE deliveries.state = 'sending' AND deliveries.claimed_until > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?;

UPDATE deliveries SET state=CASE WHEN deliveries.is_test THEN ? ELSE ? END, next_attempt_at=deliveries.next_attempt_at, claimed_by=NULL, claimed_until=NULL WHERE deliveries.state = 'sending' AND deliveries.claimed_until <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;
