-- ShopFlow's order_items: ${rows} rows in 8 files, about four items an order, some returned (quantity <= 0).
INSERT OVERWRITE DIRECTORY '${output}' USING parquet
SELECT id AS item_id,
       pmod(xxhash64(id), ${rows} DIV 4) AS order_id,
       pmod(xxhash64(id, 1), 50000) AS product_id,
       CAST(pmod(xxhash64(id, 2), 12) - 1 AS INT) AS quantity,
       CAST(pmod(xxhash64(id, 3), 100000) / 100.0 AS DECIMAL(10, 2)) AS price
FROM range(0, ${rows}, 1, 8)
