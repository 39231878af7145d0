WITH locked AS
(SELECT upload_places.id AS id
FROM upload_places
WHERE upload_places.id IN (SELECT upload_places.id
FROM upload_places
WHERE upload_places.expires_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY upload_places.expires_at
 LIMIT $2::INTEGER) ORDER BY upload_places.id FOR UPDATE OF upload_places)
 DELETE FROM upload_places WHERE upload_places.id IN (SELECT locked.id
FROM locked);
