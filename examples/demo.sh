#!/bin/sh
# demo.sh BIN [ROWS] - makes ShopFlow's order items and sums them per order on two executors.
set -eu
bin=$1
rows=${2:-10000000}
here=$(dirname "$0")
data=${GALLEY_DEMO_DIR:-$bin/../demo}
mkdir -p "$data"
data=$(cd "$data" && pwd)

fill() { sed -e "s|\${rows}|$rows|g" -e "s|\${input}|$data/order_items|g" -e "s|\${output}|$1|g" "$2"; }

if [ ! -f "$data/order_items/_SUCCESS" ] || [ "$(cat "$data/rows" 2>/dev/null)" != "$rows" ]; then
    echo "Making $rows order items in 8 Parquet files below $data/order_items ..."
    fill "$data/order_items" "$here/make_shopflow.sql" | "$bin/galley" run - --executors 2 --quiet
    echo "$rows" >"$data/rows"
fi
echo "Read Parquet -> filter quantity > 0 -> group by order_id, sum(quantity) -> write Parquet:"
fill "$data/items_per_order" "$here/shopflow.sql" | "$bin/galley" run - --executors 2
echo "The first rows of the result:"
"$bin/galley" sql "SELECT * FROM parquet.\`$data/items_per_order\` ORDER BY quantity DESC, order_id LIMIT 5" --quiet
