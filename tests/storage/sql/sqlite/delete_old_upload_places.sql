DELETE FROM upload_places WHERE upload_places.id IN (SELECT upload_places.id
FROM upload_places
WHERE upload_places.expires_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? ORDER BY upload_places.expires_at
 LIMIT ? OFFSET ?);
