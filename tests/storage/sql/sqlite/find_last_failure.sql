SELECT attempts.delivery_id, attempts.number, attempts."trigger", attempts.sent_at, attempts.duration, attempts.phases, attempts.http_status_code, attempts.failure, attempts.error, attempts.note, attempts.request_headers, attempts.response_headers, attempts.response_body
FROM attempts
WHERE attempts.delivery_id IN (SELECT recent.id
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.webhook_id = ? ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT ? OFFSET ?) AS recent) AND attempts.failure IS NOT NULL ORDER BY attempts.sent_at DESC
 LIMIT ? OFFSET ?;
