SELECT runs.account_id, count(*) AS runs
FROM runs
WHERE runs.account_id IN (?) AND runs.status < 10 GROUP BY runs.account_id;
