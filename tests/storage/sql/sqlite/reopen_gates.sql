UPDATE webhooks SET paused_until=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE (webhooks.id, webhooks.paused_until) IN (VALUES (?, ?));
