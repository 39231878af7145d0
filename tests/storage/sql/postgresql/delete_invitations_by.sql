DELETE FROM invitations WHERE invitations.account_id = $1::BIGINT AND invitations.created_by = $2::VARCHAR AND invitations.accepted_at IS NULL;
