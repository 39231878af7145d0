SELECT EXISTS (SELECT *
FROM redelivery_shares
WHERE redelivery_shares.redelivery_id = ? AND redelivery_shares.next_step_at IS NOT NULL) AS anon_1;
