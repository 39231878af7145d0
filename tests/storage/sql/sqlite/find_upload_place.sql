SELECT upload_places.id, upload_places.account_id, upload_places.digest, upload_places.actor_kind, upload_places.actor_id, upload_places.actor_name, upload_places.session_id, upload_places.environment_name, upload_places.project_name, upload_places.run_key, upload_places.expires_at
FROM upload_places
WHERE upload_places.digest = ? AND upload_places.expires_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;
