-- In which folder are the Parquet files of the catalogue?
SELECT value FROM ducklake_options('lake') WHERE option_name = 'data_path';
