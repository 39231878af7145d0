UPDATE deliveries SET state=CASE WHEN deliveries.is_test THEN ? ELSE ? END, next_attempt_at=deliveries.next_attempt_at, claimed_by=NULL, claimed_until=NULL WHERE deliveries.state = 'sending';
