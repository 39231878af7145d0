UPDATE deliveries SET state=CASE WHEN deliveries.is_test THEN ? ELSE ? END, claimed_by=?, claimed_until=? WHERE deliveries.state = 'sending';
