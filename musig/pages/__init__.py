"""What the chapters show: figures, tables, and the numbers that describe data and embeddings.

`style`, `plots`, `charts`, `sound`, `acoustic_figures` and `tables` only draw; `description`,
`attributes`, `neighbourhood`, `mixing`, `embeddings`, `listening`, `estimates`, `pair_answers` and
`acoustic` compute what is drawn. Nothing of the method is here.
"""
