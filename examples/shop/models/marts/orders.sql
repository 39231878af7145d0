with paid as (
    select order_id, sum(amount) as amount_paid
    from {{ ref('stg_payments') }}
    group by order_id
)

select
    orders.order_id,
    orders.customer_id,
    orders.ordered_on,
    orders.amount,
    coalesce(paid.amount_paid, 0) as amount_paid
from {{ ref('stg_orders') }} as orders
left join paid using (order_id)
