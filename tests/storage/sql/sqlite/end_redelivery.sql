UPDATE redeliveries SET state=?, ended_at=? WHERE redeliveries.id = ?;

UPDATE redelivery_shares SET next_step_at=? WHERE redelivery_shares.redelivery_id = ?;
