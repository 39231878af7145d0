UPDATE invitations SET accepted_at=$1::BIGINT WHERE invitations.id = $2::BIGINT;
