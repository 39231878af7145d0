SELECT ("some".started_at - $1::BIGINT) / $2::BIGINT AS step, "some".status, "some".has_warned, count(*) AS runs
FROM (SELECT runs.status AS status, runs.has_warned AS has_warned, runs.started_at AS started_at
FROM runs
WHERE runs.account_id = $3::BIGINT AND runs.id >= (SELECT runs.id
FROM runs
WHERE runs.created_at >= $4::BIGINT ORDER BY runs.created_at
 LIMIT $5::INTEGER) ORDER BY runs.id DESC
 LIMIT $6::INTEGER) AS "some"
WHERE "some".started_at >= $7::BIGINT GROUP BY 1, "some".status, "some".has_warned;
