"""What the chapters show: figures, tables, and the numbers that describe data and embeddings.

`style`, `plots`, `charts` and `tables` only draw; `description`, `attributes`, `neighbourhood`,
`mixing` and `embeddings` compute what is drawn. Nothing of the method is here.
"""
