UPDATE deliveries SET state=?, claimed_by=?, claimed_until=? WHERE deliveries.state = 'sending' AND deliveries.id IN (?) AND deliveries.claimed_by = ?;
