SELECT EXISTS (SELECT *
FROM redelivery_shares
WHERE redelivery_shares.redelivery_id = $1::VARCHAR COLLATE "C" AND redelivery_shares.next_step_at IS NOT NULL) AS anon_1;
