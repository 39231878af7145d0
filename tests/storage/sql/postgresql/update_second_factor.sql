UPDATE second_factors SET confirmed_at=$1::BIGINT, last_step=$2::BIGINT, failures=$3::INTEGER, failing_since=$4::BIGINT WHERE second_factors.user_id = $5::BIGINT;
