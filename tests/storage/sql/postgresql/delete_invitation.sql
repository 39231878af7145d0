DELETE FROM invitations WHERE invitations.account_id = $1::BIGINT AND invitations.id = $2::BIGINT AND invitations.accepted_at IS NULL;
