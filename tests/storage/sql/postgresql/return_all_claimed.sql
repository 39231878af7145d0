UPDATE deliveries SET state=CASE WHEN deliveries.is_test THEN $1 ELSE $2 END, claimed_by=$3::VARCHAR, claimed_until=$4::BIGINT WHERE deliveries.state = 'sending';
