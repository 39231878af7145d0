UPDATE deliveries SET state=?, claimed_by=?, claimed_until=? WHERE deliveries.state = 'sending';
