CREATE OR REPLACE TEMPORARY VIEW lineitem USING parquet OPTIONS (path '${tpch}/lineitem.parquet');
CREATE OR REPLACE TEMPORARY VIEW orders USING parquet OPTIONS (path '${tpch}/orders.parquet');
CREATE OR REPLACE TEMPORARY VIEW customer USING parquet OPTIONS (path '${tpch}/customer.parquet');
CREATE OR REPLACE TEMPORARY VIEW supplier USING parquet OPTIONS (path '${tpch}/supplier.parquet');
CREATE OR REPLACE TEMPORARY VIEW nation USING parquet OPTIONS (path '${tpch}/nation.parquet');
CREATE OR REPLACE TEMPORARY VIEW region USING parquet OPTIONS (path '${tpch}/region.parquet');
CREATE OR REPLACE TEMPORARY VIEW part USING parquet OPTIONS (path '${tpch}/part.parquet');
CREATE OR REPLACE TEMPORARY VIEW partsupp USING parquet OPTIONS (path '${tpch}/partsupp.parquet');
