SELECT environments.id
FROM environments
WHERE environments.account_id = $1::BIGINT AND environments.id IN ($2::BIGINT, $3::BIGINT);
