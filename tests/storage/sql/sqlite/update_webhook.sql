UPDATE webhooks SET name=?, description=?, client_url=?, is_consumed=?, moves=?, event_types=?, job_ids=?, project_ids=?, environment_ids=?, active=?, format=?, format_settings=?, payload_version=?, result_filter=?, node_filter=?, notify=?, hold=?, mention=?, include_results=?, retry_schedule=?, rate_limit=?, next_request_at=CASE WHEN (webhooks.rate_limit IS NULL) THEN webhooks.next_request_at END, custom_headers=?, custom_headers_ciphertext=?, attempt_timeout=?, authorization=?, client_certificate=?, ca_certificate=?, verify_tls=?, deactivated_by=?, deactivate_reason=?, failing_since=?, consecutive_failures=?, failed_probes=?, paused_until=?, updated_at=? WHERE webhooks.account_id = ? AND webhooks.id = ?;

DELETE FROM interests WHERE interests.webhook_id = ?;

INSERT INTO interests (topic, webhook_id) SELECT added.topic, added.webhook_id
FROM (SELECT json_extract(anon_1.value, '$[0]') AS topic, json_extract(anon_1.value, '$[1]') AS webhook_id
FROM json_each(?) AS anon_1) AS added
WHERE 1 = 1;
