DELETE FROM replicas WHERE replicas.name = $1::VARCHAR;
