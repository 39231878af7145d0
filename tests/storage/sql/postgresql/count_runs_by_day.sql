SELECT ("some".started_at - $1::BIGINT) / $2::BIGINT AS step, "some".status, "some".has_warned, count(*) AS runs
FROM (SELECT runs.status AS status, runs.has_warned AS has_warned, runs.started_at AS started_at
FROM runs
WHERE runs.job_id = $3::BIGINT ORDER BY runs.id DESC
 LIMIT $4::INTEGER) AS "some"
WHERE "some".started_at >= $5::BIGINT GROUP BY 1, "some".status, "some".has_warned;
