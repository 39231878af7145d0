select order_id, amount, amount_paid
from {{ ref('orders') }}
where amount_paid <> amount
