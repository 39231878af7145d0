SELECT attempts.delivery_id, attempts.number, attempts.trigger, attempts.sent_at, attempts.duration, attempts.phases, attempts.http_status_code, attempts.failure, attempts.error, attempts.note, attempts.request_headers, attempts.response_headers, attempts.response_body
FROM attempts
WHERE attempts.delivery_id = $1::VARCHAR COLLATE "C" ORDER BY attempts.number;
