SELECT redeliveries.id, redeliveries.account_id, redeliveries.delivery_ids, redeliveries.since, redeliveries.until, redeliveries.states, redeliveries.webhook_id, redeliveries.event_types, redeliveries.job_id, redeliveries.run_id, redeliveries.code_class, redeliveries.fixed_at, redeliveries.is_counted, redeliveries.state, redeliveries.created_by, redeliveries.created_at, redeliveries.ended_at
FROM redeliveries
WHERE redeliveries.account_id = $1::BIGINT AND redeliveries.id = $2::VARCHAR COLLATE "C";

SELECT deliveries.redelivery_id, deliveries.webhook_id, deliveries.state, count(*) AS number
FROM deliveries
WHERE deliveries.redelivery_id IN ($1::VARCHAR) AND deliveries.redelivery_id IS NOT NULL GROUP BY deliveries.redelivery_id, deliveries.webhook_id, deliveries.state;

SELECT redelivery_shares.redelivery_id, redelivery_shares.webhook_id AS share_webhook_id, redelivery_shares.total AS share_total, redelivery_shares.queued AS share_queued, redelivery_shares.passed_over AS share_passed_over, redelivery_shares.place_created_at AS share_place_created_at, redelivery_shares.place_delivery_id AS share_place_delivery_id, redelivery_shares.next_step_at AS share_next_step_at
FROM redelivery_shares
WHERE redelivery_shares.redelivery_id IN ($1::VARCHAR COLLATE "C") ORDER BY redelivery_shares.redelivery_id, redelivery_shares.webhook_id;
