UPDATE tokens SET revoked_at=? WHERE tokens.account_id = ? AND tokens.id = ?;
