-- ShopFlow: how many items each order has.
INSERT OVERWRITE DIRECTORY '${output}' USING parquet
SELECT order_id, sum(quantity) AS quantity
FROM parquet.`${input}`
WHERE quantity > 0
GROUP BY order_id
