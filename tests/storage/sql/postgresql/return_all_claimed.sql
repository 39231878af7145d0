UPDATE deliveries SET state=$1::VARCHAR, claimed_by=$2::VARCHAR, claimed_until=$3::BIGINT WHERE deliveries.state = 'sending';
