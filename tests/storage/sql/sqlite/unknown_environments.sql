SELECT environments.id
FROM environments
WHERE environments.account_id = ? AND environments.id IN (?, ?);
