UPDATE tokens SET revoked_at=$1::BIGINT WHERE tokens.account_id = $2::BIGINT AND tokens.id = $3::BIGINT;
