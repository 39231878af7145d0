select
    id as order_id,
    customer_id,
    ordered_on,
    (amount_cents / 100)::decimal(10, 2) as amount
from {{ ref('raw_orders') }}
