DELETE FROM artifacts WHERE (artifacts.run_id, artifacts.name, artifacts.part) IN (SELECT counted.run_id, counted.name, counted.part
FROM (SELECT "some".run_id AS run_id, "some".name AS name, "some".part AS part, sum("some".size) OVER (ORDER BY "some".run_id, "some".name, "some".part) - "some".size AS before
FROM (SELECT artifacts.run_id AS run_id, artifacts.name AS name, artifacts.part AS part, length(artifacts.content) AS size
FROM artifacts
WHERE artifacts.run_id IN ($3::BIGINT) ORDER BY artifacts.run_id, artifacts.name, artifacts.part
 LIMIT $1::INTEGER) AS "some") AS counted
WHERE counted.before < $2::INTEGER);
